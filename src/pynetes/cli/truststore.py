"""aiohttp without the machine's authorities; to be imported before what imports it."""

from pynetes.component import truststore

truststore.import_aiohttp()
