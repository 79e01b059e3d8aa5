"""Condition trees over our columns in, query texts out: the backends of pysigma-backend-elasticsearch, mended where a query would not mean
what its rule says.

Source of truth: Elasticsearch reference, "Query string query"; Sigma specification 2.1.
"""

from __future__ import annotations

import re
from typing import Any

from sigma.backends.elasticsearch.elasticsearch_eql import EqlBackend
from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend
from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionNOT
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.rule import SigmaRule
from sigma.types import SigmaRegularExpression, SigmaRegularExpressionFlag

from soc.detect.sigma.convert_tree import Node, size
from soc.detect.sigma.lucene_expression import CASE, NoLuceneExpressionError, lucene

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


MAX_CONDITIONS = 1_024
"""indices.query.bool.max_clause_count of a small node; 2,216 wildcards took one of 300 MB more than 100 seconds."""


class _Texts(TextQueryBackend):
    """What the three have in common: a tree's query, and what is not exact about the last ones (`inexact`)."""

    def __init__(self) -> None:
        super().__init__()
        self.inexact: list[str] = []
        self.init_processing_pipeline(self.default_format)

    def text(self, rule: SigmaRule, tree: Node) -> str:
        """The query of a tree. Raises: SigmaError where the language cannot say it."""
        if size(tree) > MAX_CONDITIONS:
            raise SigmaFeatureNotSupportedByBackendError(
                f"{size(tree):,} conditions: a node takes at most {MAX_CONDITIONS:,} in a query"
            )
        state = ConversionState()
        query = self.finish_query(rule, self.convert_condition(tree, state), state)
        return str(self.finalize_query(rule, query, 0, state, self.default_format))


class _Lucene(_Texts, LuceneBackend):
    """Each `NOT` stands in parentheses: `a OR NOT b` means "a and not b" to Lucene's parser."""

    field_escape_pattern = re.compile(r'[\s*?:/\\()\[\]{}"]')
    field_null_expression = "(NOT _exists_:{field})"
    field_not_exists_expression = "(NOT _exists_:{field})"

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Any:
        return f"({super().convert_condition_not(cond, state)})"

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        del state
        value = cond.value
        assert isinstance(value, SigmaRegularExpression)
        try:
            expression, reasons = lucene(value.regexp.to_plain(), "".join(_FLAGS[flag] for flag in value.flags))
        except NoLuceneExpressionError as error:
            raise SigmaFeatureNotSupportedByBackendError(
                f"an expression that Lucene's syntax does not have: {error}"
            ) from error
        self.inexact += reasons
        slashes = expression.replace("/", "\\/").replace("\\\\/", "\\/")
        return f"{self.escape_and_quote_field(cond.field)}:/{slashes}/"

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        self.inexact.append(CASE)
        return self.convert_condition_field_eq_val_str(cond, state)


class _Eql(_Texts, EqlBackend):
    pass


class _Esql(_Texts, ESQLBackend):
    pass


BACKENDS = {"lucene": _Lucene, "eql": _Eql, "esql": _Esql}
