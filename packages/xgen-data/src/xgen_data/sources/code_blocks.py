r"""`code-blocks:PATH[#LANGUAGE]`: code that web pages show, such as Apex, Salesforce's language.

XGen's first stage had 2.09 billion tokens of "Apex code from 6 CC dumps". How it was found has not
been published; what follows is chosen here. PATH is a WARC file, an HTML file, a `.jsonl` with HTML
in the text column, or a directory or glob of such. Each `<pre>`, and each `<code>` of several
lines, is a document; all blocks of a page carry it as `split.group`, so that they stay on one side
of the split.

With `#LANGUAGE` only blocks in that language are kept: those whose page names it (`class=
"language-apex"`, `lang-apex`, `brush: apex`, …; Salesforce's own documentation does) and, for
Apex, those that look like it although the page calls them Java, C# or nothing, as most do: a block
with one construct that no other language has, or two that few have.

    alone enough   trigger … on … (before insert, …) · with sharing class · [SELECT … FROM …]
                   @AuraEnabled, @InvocableMethod and the like · Trigger.new · System.runAs(
    two of these   names ending in __c or __r · System.debug( · System.assertEquals( · @isTest
                   insert/update/upsert/delete of a variable · Database.query( · List<SObject>
                   Test.startTest( · global class · ApexPages · Schema.SObjectType · String.isBlank(

Metadata: `code.language` (lower case), `code_blocks.named` (whether the page said so), `warc.url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import (
    DamageError,
    group_files,
    identity_of,
    list_files,
    part_files,
    read_limited,
)
from xgen_data.sources.html import code_blocks, decode_html
from xgen_data.sources.jsonl import JsonlReader
from xgen_data.sources.reader import Part
from xgen_data.sources.rows import without_surrogates
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.sources.warc import read_page, read_records
from xgen_data.steps import Drop, Item

__all__ = ["CodeBlocksReader", "looks_like_apex"]

_SUFFIXES = (".warc", ".html", ".htm", ".jsonl", ".ndjson")
_OTHER_CLAIMS = frozenset({"", "java", "c#", "csharp", "cs", "javascript", "js", "php", "default"})
_ALONE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\btrigger\s+\w+\s+on\s+\w+\s*\(\s*(?:before|after)\s+(?:insert|update|delete|undelete)",
        r"\b(?:with|without|inherited)\s+sharing\s+(?:virtual\s+|abstract\s+)?class\b",
        r"\[\s*SELECT\s[^\[\]]{1,2000}?\sFROM\s+\w+",
        r"@(?:AuraEnabled|InvocableMethod|InvocableVariable|RemoteAction|RestResource|HttpGet\b"
        r"|TestSetup|TestVisible|future\s*\(\s*callout)",
        r"\bTrigger\.(?:new|old|newMap|oldMap|isInsert|isBefore|isAfter|isUpdate)\b",
        r"\bSystem\.runAs\s*\(",
    )
)
_TOGETHER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b\w+__[cr]\b",
        r"\bSystem\.debug\s*\(",
        r"\bSystem\.assert(?:Equals|NotEquals)\s*\(",
        r"@isTest\b",
        r"(?m)^\s*(?:insert|update|upsert|delete|undelete)\s+\w+\s*;",
        r"\bDatabase\.(?:query|insert|update|upsert|delete|executeBatch|Batchable)\b",
        r"\b(?:List|Set|Map)\s*<\s*(?:Id|SObject|Account|Contact|Lead|Opportunity|Case)\b",
        r"\bTest\.(?:startTest|stopTest)\s*\(",
        r"\bglobal\s+(?:static\s+|virtual\s+|abstract\s+)?(?:class|void|interface)\b",
        r"\bApexPages\.",
        r"\bSchema\.(?:SObjectType|getGlobalDescribe)\b",
        r"\bString\.(?:isBlank|isNotBlank|isEmpty)\s*\(",
    )
)


def looks_like_apex(code: str) -> bool:
    """Whether code is Apex, by the constructs that this module's text lists."""
    if any(pattern.search(code) for pattern in _ALONE):
        return True
    return sum(pattern.search(code) is not None for pattern in _TOGETHER) >= 2


@dataclass(frozen=True, slots=True)
class CodeBlocksReader:
    """Reads `code-blocks:PATH[#LANGUAGE]`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Parts of neighbouring files; a large one is a part by itself.

        Raises:
            InputError: no such file.
        """
        try:
            return group_files(list_files(config.rest.partition("#")[0], _SUFFIXES))
        except InputError as error:
            raise InputError(f"code-blocks:{error}") from error

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a block; its id is the page's with `#` and the block's number.

        Raises:
            InputError: no such file.
        """
        wanted = config.rest.partition("#")[2].lower()
        for name, path in part_files(part):
            try:
                for item in _pages(name, path, bool(part.files), config):
                    if isinstance(item, Drop):
                        yield item
                    else:
                        yield from _blocks(item, wanted)
            except DamageError as damage:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def _pages(name: str, path: str, several: bool, config: SourceConfig) -> Iterator[Item]:
    """Documents whose text is HTML."""
    lower = name.lower()
    if ".warc" in lower:
        for record in read_records(path):
            if record.kind != "response":
                continue
            identity = record.headers.get("warc-record-id", "").strip("<>")
            identity = identity or f"{name}:{record.offset}"
            page = read_page(record)
            if isinstance(page, str):
                yield Drop(reason=page, example=identity)
                continue
            url = record.headers.get("warc-target-uri", "").strip("<>")
            metadata: dict[str, Scalar] = {"warc.url": url} if url else {}
            text = without_surrogates(page.html)
            yield Document(id=identity, text=text, source=config.name, metadata=metadata)
    elif ".jsonl" in lower or ".ndjson" in lower:
        part = (
            Part(path=path.removesuffix("/" + name), files=(name,)) if several else Part(path=path)
        )
        yield from JsonlReader().read(part, config)
    else:
        content = read_limited(path)
        if content is None:
            yield Drop(reason=TOO_LARGE, example=identity_of(name))
        else:
            html, _ = decode_html(content)
            yield Document(id=identity_of(name), text=html, source=config.name)


def _blocks(page: Document, wanted: str) -> Iterator[Item]:
    group = page.metadata.get("warc.url") or page.metadata.get("url") or page.id
    found = False
    for number, block in enumerate(code_blocks(page.text), 1):
        language = block.language
        named = bool(language)
        if wanted == "apex" and language in _OTHER_CLAIMS and looks_like_apex(block.code):
            language, named = "apex", False
        if wanted and language != wanted:
            continue
        found = True
        metadata = {
            **page.metadata,
            "code.language": language,
            "code_blocks.named": named,
            "split.group": group,
        }
        text = without_surrogates(block.code)
        yield replace(page, id=f"{page.id}#{number}", text=text, metadata=metadata)
    if not found:
        yield Drop(reason=f"no code in {wanted}" if wanted else "no code", example=page.id)
