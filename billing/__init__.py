"""The pure core: money, calendars, price books and rating. Standard library only."""
