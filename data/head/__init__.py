"""The head that turns cached features into predictions: linear, trained through the consensus."""
