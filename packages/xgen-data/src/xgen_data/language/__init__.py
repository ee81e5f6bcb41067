"""Which language and which script a text is in: three models and their votes, no network.

`identify` asks a model, `scripts` counts letters by script, and a `Profile` of a text of your own
says whether a line is like it, where no model knows the language.
"""

from xgen_data.language.codes import close_languages, standard_code
from xgen_data.language.identification import Backend, backends, identify, recognised
from xgen_data.language.names import without_names
from xgen_data.language.profiles import Profile, build_profile
from xgen_data.language.scripts import dominant_script, script_share, script_shares
from xgen_data.language.verdict import UNKNOWN, Verdict

__all__ = [
    "UNKNOWN",
    "Backend",
    "Profile",
    "Verdict",
    "backends",
    "build_profile",
    "close_languages",
    "dominant_script",
    "identify",
    "recognised",
    "script_share",
    "script_shares",
    "standard_code",
    "without_names",
]
