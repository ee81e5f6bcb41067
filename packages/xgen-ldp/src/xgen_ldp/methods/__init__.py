"""Ways to translate: LDP's three directions, and what they are compared with."""

from xgen_ldp.methods.material import Material, Tested
from xgen_ldp.methods.method import Candidate, Method, Preparation, Translator
from xgen_ldp.methods.registry import load_method, method_names

__all__ = [
    "Candidate",
    "Material",
    "Method",
    "Preparation",
    "Tested",
    "Translator",
    "load_method",
    "method_names",
]
