"""How a DICOM person name is shown."""

NO_NAME = "No name"


def display_name(name: str) -> str:
    """`DOE^JANE^A^DR^` as `DOE, JANE A DR`: the first group that says anything (PS3.5 §6.2.1)."""
    group = next((part for part in name.split("=") if part.strip(" ^")), "")
    family, *others = (part.strip() for part in group.split("^"))
    rest = " ".join(filter(None, others))
    return ", ".join(filter(None, (family, rest))) or NO_NAME
