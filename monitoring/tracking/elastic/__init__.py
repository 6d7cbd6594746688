"""Findings to Elasticsearch: a document each, in an index of the month, under a template and a lifecycle of ours."""

from monitoring.tracking.elastic.client import Elastic

__all__ = ["Elastic"]
