"""What gunicorn serves."""
