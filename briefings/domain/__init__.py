"""The decisions of Briefings: pure functions on plain data. `now` comes in, intents and worded reasons go out."""
