"""Train a model of prices and measure it on shuttles that it has not seen."""

import logging
from typing import Any, Protocol

import pandas as pd

logger = logging.getLogger(__name__)


class Regressor(Protocol):
    """What is asked of a trained model."""

    def predict(self, features: pd.DataFrame) -> Any:
        """Return one number for each row."""


def split_data(table: pd.DataFrame, options: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the shuttles by chance into those to train on and those to test on."""
    test = table.sample(frac=options["test_share"], random_state=options["random_state"]).sort_index()
    training = table.drop(index=test.index)
    logger.info("Kept %d of %d shuttles for the test", len(test), len(table))
    return training.reset_index(drop=True), test.reset_index(drop=True)


def train_model(training: pd.DataFrame, features: list[str], target: str, options: dict[str, Any]) -> Regressor:
    """Fit a random forest; `options` are its arguments."""
    # Imported here because it takes seconds, which every other node would wait for too.
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(**options).fit(training[features], training[target])
    logger.info("Trained %d trees on %d rows", len(model.estimators_), len(training))
    return model


def predict(model: Regressor, test: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Predict the price of each shuttle of the test."""
    predictions = pd.DataFrame({"shuttle_id": test["shuttle_id"], "predicted": model.predict(test[features])})
    logger.info("Predicted %d prices", len(predictions))
    return predictions.round({"predicted": 2})


def evaluate_model(
    predictions: pd.DataFrame, test: pd.DataFrame, target: str, options: dict[str, Any], ds: str
) -> dict[str, Any]:
    """Compare predictions with prices; the errors are in the currency of the prices."""
    compared = test.merge(predictions, on="shuttle_id", validate="one_to_one")
    errors = compared[target] - compared["predicted"]
    deviations = compared[target] - compared[target].mean()
    measured = {
        "r2": float(1 - (errors**2).sum() / (deviations**2).sum()),
        "mean_absolute_error": float(errors.abs().mean()),
        "max_error": float(errors.abs().max()),
    }
    report = options["report"].format(ds=ds, **measured)
    logger.info("R2 is %.3f over %d shuttles", measured["r2"], len(compared))
    rounded = {name: round(value, options["digits"]) for name, value in measured.items()}
    return {"ds": ds, "shuttles": len(compared), **rounded, "report": report}
