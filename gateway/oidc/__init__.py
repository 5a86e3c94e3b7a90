"""People sign in with an account of their company's, over OpenID Connect.

The gateway's process speaks with the provider and holds the client's secret; the page's process
only leads browsers there and back.
"""
