import time

from service.predict.arm import Arm

_init = Arm.__init__


def _faulty(self, name, bundle, *rest):
    """The challengers of two models: one fails at some temperatures, of which no golden row has any; one is slow."""
    _init(self, name, bundle, *rest)
    predict = self.predict

    def fails(matrix):
        if ((matrix[:, 1] > 24) & (matrix[:, 1] < 34)).any():
            raise ZeroDivisionError("a challenger's own mistake")
        return predict(matrix)

    def slow(matrix):
        time.sleep(0.3)
        return predict(matrix)

    if name == "challenger":
        self.predict = {"fails": fails, "slow": slow}.get(bundle.manifest.model, predict)


Arm.__init__ = _faulty
