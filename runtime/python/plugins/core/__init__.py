# SPDX-License-Identifier: Apache-2.0
"""What plugin search algorithms import."""
