"""Steps by which Intacct goes on with an approved bill: its payment is asked for, the document behind it is approved."""
