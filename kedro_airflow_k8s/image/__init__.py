"""What runs in the pods, in the project's image: Kedro's hooks of the plugin. It needs nothing but Kedro."""
