"""Evaluations over HTTP: the routes of the API and the pages of the desk."""
