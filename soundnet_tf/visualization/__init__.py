"""Pictures of what a trained network hears inside: its filters, and what excites its units."""
