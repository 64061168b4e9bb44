"""What is asked of the product for each row of a dataset, and how the answers are measured."""
