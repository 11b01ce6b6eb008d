"""The demo clinic: a full day, one hold, one open offer, one no-show. Dated from today, safe to load twice."""
