"""The images of the platform: controller, agent and MLflow, built where they are not given and not there already."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.image import from_files
from scripts.image.from_files import Recipe
from scripts.platform_stack import mlflow_image

JENKINS_BASE = "jenkins/jenkins:2.568.2-lts-jdk21"
AGENT_BASE = "python:3.11-slim-trixie"
CONTROLLER_FILES = {
    "Dockerfile": "jenkins/Dockerfile",
    **{
        name: f"jenkins/{name}"
        for name in ("plugins.txt", "casc.yaml", "jobs.groovy", "retrain_token.groovy")
    },
}
AGENT_FILES = {
    "Dockerfile": "jenkins/agent.Dockerfile",
    **{name: name for name in ("requirements/uv.txt", "jenkins/agent.sh")},
}
#: Arguments of agent.Dockerfile that the environment may set.
AGENT_ARGUMENTS = ("JAVA_PACKAGE", "DOCKER_PACKAGES", "TEST_PACKAGES")


def image_variables(environ: Mapping[str, str], seconds: float) -> dict[str, str]:
    """The variables of jenkins/platform.yml that name them."""
    base = environ.get("JENKINS_BASE", JENKINS_BASE)
    controller = Recipe("swarmline/controller", "JENKINS_BASE", base, CONTROLLER_FILES)
    arguments = {name: environ[name] for name in AGENT_ARGUMENTS if name in environ}
    base = environ.get("AGENT_BASE", AGENT_BASE)
    agent = Recipe("swarmline/agent", "AGENT_BASE", base, AGENT_FILES, arguments)
    return {
        "CONTROLLER_IMAGE": _image(environ, "CONTROLLER", controller, seconds),
        "AGENT_IMAGE": _image(environ, "AGENT", agent, seconds),
        "MLFLOW_IMAGE": environ.get("MLFLOW_IMAGE") or str(mlflow_image.make(seconds)["image"]),
    }


def _image(environ: Mapping[str, str], service: str, recipe: Recipe, seconds: float) -> str:
    """As it is named; else built. One with no replicas is not: its base stands in for it."""
    if image := environ.get(f"{service}_IMAGE"):
        return image
    if environ.get(f"{service}_REPLICAS") == "0":
        return recipe.base
    tag = from_files.ensure(recipe, seconds)
    return from_files.push(tag, seconds) or tag
