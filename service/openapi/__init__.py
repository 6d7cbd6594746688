"""The OpenAPI document, made from contracts and types, and the page to try it.

They stand above the views, whose routes they describe.
"""
