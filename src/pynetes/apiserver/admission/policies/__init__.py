"""Admission policies in CEL, and the bindings that put them to work.

sources     policies and bindings as they are just now, told by watches
params      the objects that a binding hands to its policy
permission  who may write policies and bindings that have parameters
selection   which policies, bindings and parameters a request is meant for
validator   what one ValidatingAdmissionPolicy says of a request
validating  the plugin ValidatingAdmissionPolicy: what becomes of that
patches     from what an expression makes to a changed object
mutator     what one MutatingAdmissionPolicy makes of an object
mutating    the plugin MutatingAdmissionPolicy: one after another, and again if others change the object
"""
