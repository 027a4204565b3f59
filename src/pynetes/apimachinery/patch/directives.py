"""The words of strategic merge in a patch."""

DIRECTIVE = "$patch"  # replace, delete or merge, in an object or a list item
RETAIN_KEYS = "$retainKeys"
SET_ORDER = "$setElementOrder"  # $setElementOrder/<list>
DELETE_FROM = "$deleteFromPrimitiveList"  # $deleteFromPrimitiveList/<list>
