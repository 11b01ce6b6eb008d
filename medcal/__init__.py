"""Medcal: appointments for clinics."""

__version__ = "0.1.0"
