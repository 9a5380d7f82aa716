"""`outdial suppress`: its commands, which three modules have."""

from cli import opt_out_delays, suppress_import
from cli.suppress import app as app

app.command("import")(suppress_import.import_list)
app.command("lists")(suppress_import.lists)
app.command("delays")(opt_out_delays.delays)
