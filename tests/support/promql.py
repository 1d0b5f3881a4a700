"""What expressions in PromQL ask for: metrics and labels, found without Prometheus."""

import re

#: Words of the language, which stand where names may.
_WORDS = re.compile(r"\b(?:by|without|and|or|unless|on|ignoring|group_left|group_right|offset|bool)\b")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')


def metrics_in(expression):
    """The names of the series that are asked for."""
    bare = re.sub(r"\{[^}]*\}", "", _STRINGS.sub('""', expression))
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    return set(re.findall(r"\b[a-z][a-z0-9]*_[a-z0-9_]+\b(?!\s*\()", bare))


def labels_in(expression):
    """The labels that are asked for, in selectors and groups."""
    text = _STRINGS.sub('""', expression)
    selected = [
        one.split("=")[0].rstrip("!~ ").strip()
        for part in re.findall(r"\{([^}]*)\}", text)
        for one in part.split(",")
        if one.strip()
    ]
    grouped = [
        one.strip()
        for part in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", text)
        for one in part.split(",")
    ]
    return {label for label in (*selected, *grouped) if label and not _WORDS.fullmatch(label)}


def balanced(expression):
    """Whether what is opened is closed, in order."""
    open_ones, pairs = [], {")": "(", "]": "[", "}": "{"}
    for character in _STRINGS.sub("", expression):
        if character in "([{":
            open_ones.append(character)
        elif character in pairs and (not open_ones or open_ones.pop() != pairs[character]):
            return False
    return not open_ones
