"""The pages on which people look at both systems and act in them: plain HTML, CSS and JavaScript, and nothing from elsewhere.

The pages themselves hold no data. They ask for it as JSON and put it in as text, so what a bill or a task says is never markup.
"""
