"""Packaging of the code location and of the jobs that it sends to the cluster."""

from setuptools import find_packages, setup

setup(
    name="dataworks",
    version="0.1.0",
    description="Batch data pipelines as Dagster assets over Spark",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=["dataworks_assets", "dataworks_assets.*", "spark", "spark.*"]),
    package_data={
        "": ["*.yaml", "*.yml", "*.json", "*.csv", "*.sql", "*.xml"],
        "spark": ["pom.xml", "*.sha256", "requirements.txt", "bootstrap/*.sh", "exporters/*"],
    },
    entry_points={"console_scripts": ["dataworks = dataworks_assets.cli.main:run"]},
)
