# SPDX-License-Identifier: GPL-2.0-only
"""The YAML specification of the family, with its numbers worked out."""

import os

import yaml

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PATH = os.path.join(TOP, "Documentation/netlink/specs/virtsock.yaml")


def c_name(prefix, name):
    return (prefix + name).replace("-", "_").upper()


class Spec:
    """Names as in the specification; numbers as the kernel counts them."""

    def __init__(self, path=PATH):
        with open(path, encoding="utf-8") as file:
            self.yaml = yaml.safe_load(file)
        self.name = self.yaml["name"]
        self.enums = {}
        for definition in self.yaml["definitions"]:
            if definition["type"] == "enum":
                self.enums[definition["name"]] = self._enum(definition)
        self.sets = {}
        for one in self.yaml["attribute-sets"]:
            self.sets[one["name"]] = self._count(one["attributes"])
        self.operations = self._count(self.yaml["operations"]["list"])

    @staticmethod
    def _enum(definition):
        value = definition.get("value-start", 0)
        entries = {}
        for entry in definition["entries"]:
            if isinstance(entry, str):
                entry = {"name": entry}
            value = entry.get("value", value)
            entries[entry["name"]] = value
            value += 1
        return entries

    @staticmethod
    def _count(items):
        value = 1
        counted = {}
        for item in items:
            value = item.get("value", value)
            counted[item["name"]] = dict(item, value=value)
            value += 1
        return counted

    def c_enum(self, name):
        """{C name: value} of a definition."""
        prefix = f"{self.name}-{name}-"
        return {c_name(prefix, n): v for n, v in self.enums[name].items()}

    def c_set(self, name):
        """{C name: attribute} of an attribute set."""
        for one in self.yaml["attribute-sets"]:
            if one["name"] == name:
                default = (f"{self.name}-a-" if name == self.name
                           else f"{self.name}-a-{name}-")
                prefix = one.get("name-prefix", default)
        return {c_name(prefix, n): a for n, a in self.sets[name].items()}

    def c_operations(self):
        """{C name: operation}"""
        prefix = self.yaml["operations"].get("name-prefix",
                                             f"{self.name}-cmd-")
        return {c_name(prefix, n): o for n, o in self.operations.items()}

    def request(self, operation):
        """Attributes that a request may have, do and dump."""
        names = set()
        for kind in ("do", "dump"):
            request = operation.get(kind, {}).get("request", {})
            names |= set(request.get("attributes", []))
        return names

    def reply(self, operation):
        """Attributes of an answer, or of a notification."""
        names = set()
        for kind in ("do", "dump"):
            reply = operation.get(kind, {}).get("reply", {})
            names |= set(reply.get("attributes", []))
        return names | set(operation.get("event", {}).get("attributes", []))
