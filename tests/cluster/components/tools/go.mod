module datalake.projectescape.eu/tests/cluster/tools

go 1.26.0
