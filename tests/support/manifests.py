"""Where the manifests are, and what overlays there are of them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.parent for path in KUBERNETES.glob("overlays/**/kustomization.yaml"))
