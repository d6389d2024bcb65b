"""The modalities of emotional reaction intensity, with the figures of HKUST-NISL in ABAW5.

What is measured is the network's own answer, the row NAME-network.
"""

from agents.reproduction.study import NETWORK, PAPER, Line, PaperData, Study

ROLES = {"audio": "audio", "units": "local", "visual": "holistic"}
MODALITIES = {
    "audio": 0.299,
    "action units": 0.342,
    "visual": 0.362,
    "visual + units": 0.377,
    "visual + audio": 0.438,
    "all": 0.455,
}
EVERYTHING = "visual + units + audio"


def streams(row: str) -> str:
    """The streams of a row side by side, by their roles in a cache."""
    text = EVERYTHING if row == "all" else row.replace("action ", "")
    return "+".join(ROLES[name] for name in text.split(" + "))


ERI = Study(
    "eri",
    "Emotional reaction intensity: audio, action units and the whole face",
    "HKUST-NISL in the Emotional Reaction Intensity challenge of ABAW5, CVPR 2023 workshops: "
    "Hume-Reaction, 7 targets, correlation on the validation videos, which also chose the weights",
    (
        *(
            Line(row, "", paper, NETWORK, 8, stream=streams(row))
            for row, paper in MODALITIES.items()
        ),
        Line("all, on the test videos", "", 0.4547, PAPER, stream=streams("all")),
    ),
    data=PaperData("Hume-Reaction", {"": 7}, {"": 1}, streams=3, views=1, num_frames=None),
    agents=("reaction@preset=paper", "reaction@validation_metric=pcc"),
    task="regression",
)
