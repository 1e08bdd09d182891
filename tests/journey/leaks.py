"""Looks for what must have leaked nowhere: in every file of a deployment but those of the admins themselves."""

import os


def leaks(deployment, *secrets):
    """The files in which one of them stands: logs, trails, what Redis wrote. Admins hold their secrets in folders of their own."""
    wanted = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets]
    assert all(len(secret) >= 8 for secret in wanted), "a short text may stand anywhere"
    own = [admin.folder for admin in deployment.admins]
    found = []
    for root, _, names in os.walk(deployment.folder):
        if any(root == folder or root.startswith(folder + os.sep) for folder in own):
            continue
        for path in (os.path.join(root, name) for name in names):
            if os.path.isfile(path) and path not in deployment.secret_files:
                with open(path, "rb") as content:
                    text = content.read()
                found += ["%s in %s" % (secret[:4] + b"...", path) for secret in wanted if secret in text]
    return found
