"""What gunicorn serves: Rucio's REST interface, measured. Certificates of clients will be read here."""

from rucio_server.application import load, measured

application = measured(load())
