"""Annotations: questions of an app with the answers people gave them, and the reply that is made of them.

annotations.py   make, list, change, delete
near.py          which annotation a question is nearest to, by embeddings in memory
reply.py         switching the reply on and off, as a job
reciting.py      a question answered by an annotation, before any model is asked
"""
