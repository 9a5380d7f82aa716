"""Pure decisions: no clock, no broker, no await. `now` is an argument."""
