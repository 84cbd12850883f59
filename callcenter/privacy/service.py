"""Personal data: what the pages and the API call. See person.py for who may."""

from callcenter.privacy.erasure import erase
from callcenter.privacy.export import export, origin
from callcenter.privacy.retention import rules, set_rule

__all__ = ["erase", "export", "origin", "rules", "set_rule"]
