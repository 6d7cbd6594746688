"""A bundle in, predictions over HTTP out. A room imports only what stands left of it:

readers, settings, bundle, journal, process, web, predict, protocols, views, openapi, app, __main__.
"""
