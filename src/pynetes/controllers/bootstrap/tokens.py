"""The Secrets that hold bootstrap tokens, for both controllers."""

from pynetes.apis.core.bootstrap_token import NAMESPACE, SECRET_TYPE
from pynetes.apis.names import SECRETS
from pynetes.client.informer import Informer
from pynetes.controllers.base import BaseController


def informer(controller: BaseController) -> Informer:
    return controller.informer(SECRETS, namespace=NAMESPACE, field_selector=f"type={SECRET_TYPE}")
