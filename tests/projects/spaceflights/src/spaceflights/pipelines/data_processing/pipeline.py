"""How the nodes of data processing hang together."""

from kedro.pipeline import Pipeline, node

from .nodes import create_model_input_table, preprocess_companies, preprocess_reviews, preprocess_shuttles


def create_pipeline(**kwargs) -> Pipeline:
    """Return the pipeline from the raw files to `model_input_table`."""
    return Pipeline(
        [
            node(
                preprocess_companies,
                inputs=["companies", "params:yes_words"],
                outputs="preprocessed_companies",
                name="preprocess_companies",
            ),
            node(
                preprocess_shuttles,
                inputs=["shuttles", "params:currency"],
                outputs="preprocessed_shuttles",
                name="preprocess_shuttles",
            ),
            node(
                preprocess_reviews,
                inputs=["reviews", "params:reviews", "params:ds"],
                outputs="preprocessed_reviews",
                name="preprocess_reviews",
            ),
            node(
                create_model_input_table,
                inputs=[
                    "preprocessed_shuttles",
                    "preprocessed_companies",
                    "preprocessed_reviews",
                    "params:default_stars",
                ],
                outputs="model_input_table",
                name="create_model_input_table",
            ),
        ]
    )
