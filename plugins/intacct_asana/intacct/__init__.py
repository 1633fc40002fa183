"""What speaks to Sage Intacct, from pure requests and answers to the hook."""
