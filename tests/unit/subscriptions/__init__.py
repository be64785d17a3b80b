"""Subscription events to charges, decision by decision."""
