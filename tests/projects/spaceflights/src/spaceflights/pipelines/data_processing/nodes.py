"""Clean the raw files and join them."""

import logging
from typing import Any

import pandas as pd

logger = logging.getLogger(__name__)


def preprocess_companies(companies: pd.DataFrame, yes_words: list[str]) -> pd.DataFrame:
    """Drop companies listed twice, and read certificates as true or false and approval as a share of 1."""
    unique = companies.drop_duplicates("company_id")
    logger.info("Dropped %d companies listed twice", len(companies) - len(unique))
    approval = unique["approval"].str.removesuffix("%").astype(float) / 100
    return unique.assign(
        certified=unique["certified"].str.lower().isin(yes_words),
        approval=approval.fillna(approval.median()),
    )


def preprocess_shuttles(shuttles: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Read prices and ranges, which are written for people, as numbers."""
    logger.info("Read the prices of %d shuttles in %s", len(shuttles), currency)
    return shuttles.assign(
        price=_numbers(shuttles["price"], unit=currency),
        range=_numbers(shuttles["range"], unit="Mm"),
        panoramic=shuttles["panoramic"] == "yes",
    )


def preprocess_reviews(reviews: pd.DataFrame, options: dict[str, Any], ds: str) -> pd.DataFrame:
    """Count and average the stars of each shuttle, from reviews written since `options["since"]` and before `ds`."""
    # ISO dates sort as text.
    counted = reviews[(reviews["written"] >= options["since"]) & (reviews["written"] < ds)].dropna(subset="stars")
    if options["only_verified"]:
        counted = counted[counted["verified"] == "yes"]
    logger.info("Counted %d of %d reviews", len(counted), len(reviews))
    return counted.groupby("shuttle_id", as_index=False).agg(stars=("stars", "mean"), reviews=("stars", "size"))


def create_model_input_table(
    shuttles: pd.DataFrame, companies: pd.DataFrame, reviews: pd.DataFrame, default_stars: float
) -> pd.DataFrame:
    """Give each shuttle its company and its reviews; one without reviews gets `default_stars`."""
    joined = (
        shuttles.merge(companies, on="company_id", validate="many_to_one")
        .merge(reviews, on="shuttle_id", how="left", validate="one_to_one")
        .fillna({"stars": default_stars, "reviews": 0})
        .astype({"reviews": int})
    )
    logger.info("Joined %d shuttles of %d companies", len(joined), joined["company_id"].nunique())
    return pd.get_dummies(joined, columns=["engine"]).sort_values("shuttle_id", ignore_index=True)


def _numbers(written: pd.Series, unit: str) -> pd.Series:
    return written.str.removesuffix(f" {unit}").str.replace(",", "").astype(float)
