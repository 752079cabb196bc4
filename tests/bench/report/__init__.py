# SPDX-License-Identifier: GPL-2.0-only
"""Results, tables, plots and verdicts of the benchmark."""
