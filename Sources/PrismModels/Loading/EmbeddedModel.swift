import Foundation

/// The model that comes with the package: one layer of width 128 with 512 ReLU neurons, as in Towards Monosemanticity
/// (Bricken et al. 2023), trained by `make one-layer`. Where a path of a model is wanted, its name stands for it.
public enum EmbeddedModel {
    public static let name = "one-layer"

    /// Where a model lies that a user names.
    public static func url(_ model: String) -> URL {
        model == name ? Bundle.module.bundleURL.appending(path: name) : URL(filePath: model)
    }
}
