import time

from service.predict.served import ServedModel

_good = ServedModel.predict


def _predict(self, context, arm, matrix):
    if arm.name == "challenger" and self.name == "failing" and matrix[0, 2] > 40:
        # One in five: the trays of the first row are 1 to 50. No golden row is among them.
        raise RuntimeError("this challenger fails")
    if arm.name == "challenger" and self.name == "slow":
        time.sleep(0.3)
    return _good(self, context, arm, matrix)


ServedModel.predict = _predict
