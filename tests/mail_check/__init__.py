"""`make mail-check`: every mail in every state, made by the real composing, through gates that prove that they bite."""
