"""The SeldonDeployment resource: its shape, its rules, and how we write one.

Nothing here talks to anything: objects come in, objects and verdicts go out.
"""
