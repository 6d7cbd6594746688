"""The search: candidates in rounds, by trials and seconds, on the cores of this machine or a Dask cluster."""
