"""How the nodes of data science hang together."""

from kedro.pipeline import Pipeline, node

from .nodes import evaluate_model, predict, split_data, train_model


def create_pipeline(**kwargs) -> Pipeline:
    """Return the pipeline from `model_input_table` to `metrics`."""
    return Pipeline(
        [
            node(
                split_data,
                inputs=["model_input_table", "params:model.split"],
                outputs=["training_table", "test_table"],
                name="split_data",
            ),
            node(
                train_model,
                inputs=["training_table", "params:features", "params:target", "params:model.forest"],
                outputs="price_model",
                name="train_model",
                tags="resources.large",
            ),
            node(
                predict,
                inputs=["price_model", "test_table", "params:features"],
                outputs="predictions",
                name="predict",
            ),
            node(
                evaluate_model,
                inputs=["predictions", "test_table", "params:target", "params:evaluation", "params:ds"],
                outputs="metrics",
                name="evaluate_model",
            ),
        ]
    )
