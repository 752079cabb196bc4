# SPDX-License-Identifier: GPL-2.0-only
"""What runs on the host that is measured."""
