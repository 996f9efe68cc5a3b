"""Model artifacts: what a folder holds, which server reads it, and the layout that server wants.

Works on listings and local folders. Nothing here runs what an artifact contains: pickles are read
as data, never loaded.
"""
