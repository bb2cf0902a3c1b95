"""How Sphinx builds the site: ``nox -s docs``."""

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path += [str(HERE.parent / "examples"), str(HERE.parent / "gallery")]  # what scripts of the gallery share

import reference
from docutils import nodes

import fastopt

project = "fastopt"
author = "fastopt developers"
version = release = fastopt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
nitpicky = True
suppress_warnings = ["config.cache"]  # of a function in the context of autosummary

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

default_role = "py:obj"
add_module_names = False
toc_object_entries = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autosummary_context = {"own_members": reference.members}
autosummary_ignore_module_all = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Source", "Sources", "Reference"]

sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "ignore_pattern": r"(^|/)_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "fastopt"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False


def escaped(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let docstrings write ``|w|`` for a norm and ``*args`` as they are read, and say nothing of built-in types."""
    if what == "data" and type(obj).__module__ in ("builtins", "types", "typing"):
        lines.clear()
    inside = ""  # an example, up to an empty line, or a directive, up to a line that is not indented
    for i, line in enumerate(lines):
        if inside == ">>>":
            inside = inside if line.strip() else ""
        elif inside == "..":
            inside = inside if line[:1] in ("", " ") else ""
        inside = inside or next((start for start in (">>>", "..") if line.lstrip().startswith(start)), "")
        if not inside:
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [re.sub(r"[|*]", r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def linked(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Return the link for a short name, such as ``Adam``, or the plain text where it names nothing public."""
    if node.get("refdomain") != "py":
        return None
    target = node.get("reftarget", "").rstrip("()")
    domain = env.get_domain("py")
    known = ("class", "function", "method", "data", *(["module", "property", "attribute"] if "." in target else []))
    found = [
        name
        for name, entry in domain.objects.items()
        if (name == target or name.endswith(f".{target}")) and entry.objtype in known
    ]
    if not found:
        internal = ".".join(target.split(".")[:3]) in sys.modules
        return None if node.get("reftype") == "obj" and target.startswith("fastopt.") and not internal else text
    name = min(found, key=lambda name: (not name.startswith("fastopt.Sequential."), len(name)))
    place = domain.objects[name]
    link = nodes.reference("", "", text, internal=True, reftitle=name)
    link["refuri"] = app.builder.get_relative_uri(node.get("refdoc"), place.docname) + f"#{place.node_id}"
    return link


def setup(app: Any) -> None:
    """Write the pages of the reference before they are looked for."""
    reference.write(HERE / "reference")
    app.connect("autodoc-process-docstring", escaped, priority=400)  # before napoleon
    app.connect("missing-reference", linked)
